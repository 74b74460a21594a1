-- A chunk that was taken back keeps only the wallets that were not done, so what a run has processed
-- is what it set out to do less what is open and what failed.
CREATE OR REPLACE VIEW sync_runs AS
SELECT r.run_id      AS run,
       r.kind        AS kind,
       r.started_at  AS started,
       r.finished_at AS finished,
       CASE WHEN r.state IN ('running', 'finished') THEN greatest(0, r.wallets_total
         - (SELECT coalesce(sum(cardinality(c.wallets)), 0) FROM chunk c
             WHERE c.run_id = r.run_id AND c.state <> 'done')
         - (SELECT count(*) FROM run_failure f WHERE f.run_id = r.run_id AND f.final))
       ELSE 0 END    AS wallets_processed,
       r.trades      AS trades_fetched,
       r.markets_fetched AS markets_fetched,
       r.events_fetched  AS events_fetched,
       coalesce(r.finished_at, now()) - r.started_at AS duration,
       r.outcome     AS outcome
FROM run r;
