-- What would read every wallet is kept instead of counted, so that screens, refreshes and the end of
-- a run cost the same with a thousand wallets and with a million.

-- How many wallets are how far, and how many trades they hold: one row, and what has happened since
-- it was written. Writers only add rows to census_change, so none of them waits for another; the
-- coordinator adds them up now and then. `wallet_census` is exact at every instant.
CREATE TABLE census (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  wallets   bigint NOT NULL,
  syncing   bigint NOT NULL,
  completed bigint NOT NULL,
  failed    bigint NOT NULL,
  trades    bigint NOT NULL,
  newest_trade bigint NOT NULL                 -- seconds; 0: none
);
CREATE TABLE census_change (
  wallets   bigint NOT NULL,
  syncing   bigint NOT NULL,
  completed bigint NOT NULL,
  failed    bigint NOT NULL,
  trades    bigint NOT NULL,
  newest_trade bigint NOT NULL DEFAULT 0
);
CREATE VIEW wallet_census AS
SELECT sum(wallets)::bigint AS wallets, sum(syncing)::bigint AS syncing,
       sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
       sum(trades)::bigint AS trades, max(newest_trade) AS newest_trade, count(*) - 1 AS changes
FROM (SELECT wallets, syncing, completed, failed, trades, newest_trade FROM census
      UNION ALL SELECT * FROM census_change) c;

-- Wallets that ranges stored trades of, each once for a run: wallet_sync.told_run is the last such
-- run, and whoever writes it there first adds the wallet here.
ALTER TABLE wallet_sync ADD COLUMN told_run bigint NOT NULL DEFAULT 0;
CREATE TABLE run_told (
  run_id  bigint NOT NULL,
  wallets bigint NOT NULL
);
CREATE INDEX run_told_run ON run_told (run_id);

CREATE FUNCTION count_wallets() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO census_change SELECT count(*), 0, 0, 0, 0 FROM fresh HAVING count(*) > 0;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO census_change SELECT -count(*), 0, 0, 0, 0 FROM gone HAVING count(*) > 0;
  ELSE
    INSERT INTO census_change SELECT -wallets, 0, 0, 0, 0 FROM wallet_census;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION count_syncs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO census_change SELECT 0, -syncing, -completed, -failed, -trades FROM wallet_census;
    UPDATE census SET newest_trade = 0;
    UPDATE census_change SET newest_trade = 0;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO census_change
    SELECT 0, count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2),
           count(*) FILTER (WHERE status = 3), coalesce(sum(trades_stored), 0),
           max(last_trade_ts) FROM fresh
    HAVING count(*) > 0;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO census_change
    SELECT 0, -count(*) FILTER (WHERE status = 1), -count(*) FILTER (WHERE status = 2),
           -count(*) FILTER (WHERE status = 3), -coalesce(sum(trades_stored), 0) FROM gone
    HAVING count(*) > 0;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO run_told SELECT told_run, count(*) FROM fresh WHERE told_run > 0 GROUP BY told_run;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO run_told
    SELECT told_run, sum(n) FROM (SELECT told_run, 1 AS n FROM fresh WHERE told_run > 0
                                  UNION ALL SELECT told_run, -1 FROM gone WHERE told_run > 0) c
    GROUP BY told_run HAVING sum(n) > 0;
  END IF;
  RETURN NULL;
END $$;

-- Triggers before the count: from here on nobody writes until this migration is committed.
CREATE TRIGGER wallet_came AFTER INSERT ON wallet REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION count_wallets();
CREATE TRIGGER wallet_went AFTER DELETE ON wallet REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION count_wallets();
CREATE TRIGGER wallet_emptied AFTER TRUNCATE ON wallet
  FOR EACH STATEMENT EXECUTE FUNCTION count_wallets();
CREATE TRIGGER wallet_sync_came AFTER INSERT ON wallet_sync REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION count_syncs();
CREATE TRIGGER wallet_sync_moved AFTER UPDATE ON wallet_sync
  REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION count_syncs();
CREATE TRIGGER wallet_sync_went AFTER DELETE ON wallet_sync REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION count_syncs();
CREATE TRIGGER wallet_sync_emptied AFTER TRUNCATE ON wallet_sync
  FOR EACH STATEMENT EXECUTE FUNCTION count_syncs();

INSERT INTO census (wallets, syncing, completed, failed, trades, newest_trade)
SELECT (SELECT count(*) FROM wallet), count(*) FILTER (WHERE status = 1),
       count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3),
       coalesce(sum(trades_stored), 0), coalesce(max(last_trade_ts), 0) FROM wallet_sync;

-- Wallets or units that left the chunk when it was taken back, for nothing more is to be done with
-- them: the run's figures count them all the same.
ALTER TABLE chunk ADD COLUMN settled integer[] NOT NULL DEFAULT '{}';
UPDATE chunk c SET settled = left_out.wallets
  FROM (SELECT r.run_id,
               (SELECT min(x.chunk_id) FROM chunk x
                 WHERE x.run_id = r.run_id AND x.kind = 'trades') AS chunk_id,
               array_agg(s.wallet_id ORDER BY s.wallet_id) AS wallets
          FROM run r JOIN wallet_sync s ON s.done_run = r.run_id
         WHERE r.state = 'running' AND NOT EXISTS (
           SELECT 1 FROM chunk x WHERE x.run_id = r.run_id AND s.wallet_id = ANY (x.wallets))
         GROUP BY r.run_id) left_out
 WHERE c.chunk_id = left_out.chunk_id;

-- A unit that failed and that a run of its own tries again.
ALTER TABLE work_unit ADD COLUMN retry_run bigint NOT NULL DEFAULT 0;
-- A discovery that reads every market's feed from its beginning, whether it moved or not.
ALTER TABLE run ADD COLUMN is_whole boolean NOT NULL DEFAULT false;

-- What is planned from a few of many rows finds them by an index.
CREATE INDEX work_unit_quarantined ON work_unit (kind) WHERE quarantined;
CREATE INDEX market_unresolved ON market (condition_id)
  WHERE closed AND coalesce(resolution_source, 9) > 2;

-- wallets_processed: of the stage of trades, else of the one that works on wallets; and each wallet
-- that the run's ranges stored trades of.
CREATE OR REPLACE VIEW sync_runs AS
SELECT r.run_id      AS run,
       r.kind        AS kind,
       r.started_at  AS started,
       r.finished_at AS finished,
       CASE WHEN r.state IN ('running', 'finished')
            THEN greatest(0, coalesce(r.stage_totals[n.stage], 0)
              - (SELECT coalesce(sum(cardinality(c.wallets)), 0) FROM chunk c
                  WHERE c.run_id = r.run_id AND c.stage = n.stage AND c.state <> 'done')
              - (SELECT count(*) FROM run_failure f
                  WHERE f.run_id = r.run_id AND f.stage = n.stage AND f.final))
              + (SELECT coalesce(sum(t.wallets), 0)::bigint FROM run_told t
                  WHERE t.run_id = r.run_id)
            ELSE 0 END AS wallets_processed,
       r.trades      AS trades_fetched,
       r.markets_fetched AS markets_fetched,
       r.events_fetched  AS events_fetched,
       coalesce(r.finished_at, now()) - r.started_at AS duration,
       r.outcome     AS outcome,
       r.wallets_found AS wallets_found,
       r.stages      AS stages,
       r.stage       AS stage,
       r.scheduled_by AS scheduled_by
FROM run r
CROSS JOIN LATERAL (
  SELECT coalesce(array_position(r.stages, 'trades'), array_position(r.stages, 'activity'),
                  array_position(r.stages, 'positions'), array_position(r.stages, 'audit'))
         AS stage) n;
