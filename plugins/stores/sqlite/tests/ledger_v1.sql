-- A ledger of version 1: a closed run of six rows and an open one of two
BEGIN TRANSACTION;
CREATE TABLE arbitrage_opportunities (
	run INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	height INTEGER NOT NULL,
	id TEXT NOT NULL,
	book TEXT NOT NULL,
	strategy TEXT NOT NULL,
	kind TEXT NOT NULL,
	chain TEXT NOT NULL,
	asset TEXT NOT NULL,
	route TEXT NOT NULL,
	amount TEXT NOT NULL,
	profit TEXT NOT NULL,
	decision TEXT NOT NULL,
	rule TEXT NOT NULL,
	reason TEXT NOT NULL,
	"plan" TEXT,
	PRIMARY KEY (run, seq),
	CHECK (seq > 0),
	FOREIGN KEY(run) REFERENCES runs (run)
)
 WITHOUT ROWID

;
INSERT INTO "arbitrage_opportunities" VALUES(1,2,7,'o-2','main','spatial','arbitrage','sim:1','sim:1/erc20:0xaa','["sim:1/u:0x01","sim:1/u:0x02"]','1606938044258990275541962092341162602522202993782792835301376','-1','taken','','it''s naïve ½','plan-2');
INSERT INTO "arbitrage_opportunities" VALUES(2,2,9,'o-9','main','spatial','signal','sim:1','sim:1/erc20:0xaa','[]','0','0','rejected','validate','no longer gains',NULL);
CREATE TABLE entries (
	run INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	height INTEGER NOT NULL,
	id TEXT NOT NULL,
	book TEXT NOT NULL,
	chain TEXT NOT NULL,
	kind TEXT NOT NULL,
	ref TEXT NOT NULL,
	PRIMARY KEY (run, seq),
	CHECK (seq > 0),
	FOREIGN KEY(run) REFERENCES runs (run)
)
 WITHOUT ROWID

;
INSERT INTO "entries" VALUES(1,1,1,'e-0','main','sim:1','opening','');
INSERT INTO "entries" VALUES(1,6,8,'e-2','main','sim:1','fill','plan-2');
INSERT INTO "entries" VALUES(2,1,1,'e-0','main','sim:1','opening','');
CREATE TABLE execution_results (
	run INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	height INTEGER NOT NULL,
	"plan" TEXT NOT NULL,
	book TEXT NOT NULL,
	strategy TEXT NOT NULL,
	chain TEXT NOT NULL,
	block_hash TEXT NOT NULL,
	status TEXT NOT NULL,
	changes TEXT NOT NULL,
	cost TEXT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (run, seq),
	CHECK (seq > 0),
	FOREIGN KEY(run) REFERENCES runs (run)
)
 WITHOUT ROWID

;
INSERT INTO "execution_results" VALUES(1,5,8,'plan-2','main','spatial','sim:1','0x08','filled','[["sim:1/erc20:0xaa","1606938044258990275541962092341162602522202993782792835301376"]]','0','');
CREATE TABLE intents (
	run INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	height INTEGER NOT NULL,
	"plan" TEXT NOT NULL,
	opportunity TEXT NOT NULL,
	book TEXT NOT NULL,
	strategy TEXT NOT NULL,
	chain TEXT NOT NULL,
	state TEXT NOT NULL,
	reserved TEXT NOT NULL,
	cost_cap TEXT NOT NULL,
	digest TEXT NOT NULL,
	flow TEXT NOT NULL,
	PRIMARY KEY (run, seq),
	CHECK (seq > 0),
	FOREIGN KEY(run) REFERENCES runs (run)
)
 WITHOUT ROWID

;
INSERT INTO "intents" VALUES(1,3,7,'plan-2','o-2','main','spatial','sim:1','planned','[["sim:1/erc20:0xaa","1606938044258990275541962092341162602522202993782792835301376"]]','1606938044258990275541962092341162602522202993782792835301376','0xfeed','{}');
INSERT INTO "intents" VALUES(1,4,8,'plan-2','o-2','main','spatial','sim:1','filled','[["sim:1/erc20:0xaa","1606938044258990275541962092341162602522202993782792835301376"]]','1606938044258990275541962092341162602522202993782792835301376','','');
CREATE TABLE postings (
	run INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	line INTEGER NOT NULL,
	account TEXT NOT NULL,
	asset TEXT NOT NULL,
	amount TEXT NOT NULL,
	PRIMARY KEY (run, seq, line),
	FOREIGN KEY(run, seq) REFERENCES entries (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "postings" VALUES(1,1,0,'wallet','sim:1/erc20:0xaa','100');
INSERT INTO "postings" VALUES(1,1,1,'opening','sim:1/erc20:0xaa','-100');
INSERT INTO "postings" VALUES(1,6,0,'wallet','sim:1/erc20:0xaa','1606938044258990275541962092341162602522202993782792835301376');
INSERT INTO "postings" VALUES(1,6,1,'trading','sim:1/erc20:0xaa','-1606938044258990275541962092341162602522202993782792835301376');
INSERT INTO "postings" VALUES(2,1,0,'wallet','sim:1/erc20:0xaa','1606938044258990275541962092341162602522202993782792835301476');
INSERT INTO "postings" VALUES(2,1,1,'opening','sim:1/erc20:0xaa','-1606938044258990275541962092341162602522202993782792835301476');
CREATE TABLE runs (
	run INTEGER NOT NULL,
	started TEXT NOT NULL,
	ended TEXT NOT NULL,
	header TEXT NOT NULL,
	ledger_hash TEXT NOT NULL,
	PRIMARY KEY (run)
);
INSERT INTO "runs" VALUES(1,'2026-01-01T00:00:00+00:00','2026-01-01T00:10:00+00:00','{"seed": 1}','9fe0fb89ed6539b98b554bb42b1cdc9ca70d3a549fd9b975a50b43d773e73da3');
INSERT INTO "runs" VALUES(2,'2026-01-02T00:00:00+00:00','','{}','');
CREATE UNIQUE INDEX entries_by_id ON entries (run, id);
CREATE INDEX intents_by_plan ON intents ("plan");
CREATE INDEX results_by_plan ON execution_results ("plan");
COMMIT;
PRAGMA application_id=1416193133;
PRAGMA user_version=1;

