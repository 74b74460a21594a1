-- Spans of blocks that finished ranges have told, with the hashes at both of their borders: a span
-- that was told from blocks which the chain has taken back since no longer joins its neighbours.
-- `behind` is the block before the first one.
CREATE TABLE told_span (
  source      smallint NOT NULL,
  begins      bigint NOT NULL,
  behind_hash bytea NOT NULL CHECK (octet_length(behind_hash) = 32),
  behind_at   bigint NOT NULL,
  ends        bigint NOT NULL,
  ends_hash   bytea NOT NULL CHECK (octet_length(ends_hash) = 32),
  ends_at     bigint NOT NULL,
  PRIMARY KEY (source, begins)
);
CREATE INDEX told_span_ends ON told_span (source, ends);

-- What is told anew lies near the head: the wallets that traded since are found by their newest
-- trade.
CREATE INDEX wallet_sync_newest ON wallet_sync (last_trade_ts);
