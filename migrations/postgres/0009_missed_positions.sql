-- The first run whose finished walk did not tell the position, since one told it; 0: the last one
-- did. A list that moves while it is read can pass over a position that is still held, so one miss
-- is no proof that it is gone.
ALTER TABLE position ADD COLUMN missed_run bigint NOT NULL DEFAULT 0;
