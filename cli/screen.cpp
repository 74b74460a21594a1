#include "cli/screen.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/format.h"
#include "cli/terminal.h"

namespace cli {
namespace {

void Append(std::vector<std::string>& lines, const std::vector<std::string>& more) {
  if (more.empty()) return;
  if (!lines.empty()) lines.emplace_back();
  lines.insert(lines.end(), more.begin(), more.end());
}

double Fraction(const RunReply& run) {
  if (run.wallets_total <= 0) return run.is_over() ? 1 : 0;
  const auto finished = run.wallets_done + run.wallets_failed;
  return static_cast<double>(finished) / static_cast<double>(run.wallets_total);
}

std::string Remaining(const RunReply& run) {
  if (run.is_over() || run.state == "queued") return run.is_over() ? "" : "queued";
  if (run.state == "planning") return "planning";
  // Every wallet is through: markets of their tokens, or retries, are still to come.
  if (run.wallets_total > 0 && Fraction(run) >= 1) return "finishing";
  return run.eta_s ? Span(*run.eta_s) + " left" : "";
}

std::string Outcome(const RunReply& run) {
  if (run.outcome == "complete") return Green("complete");
  if (run.outcome == "incomplete") return Yellow("incomplete");
  return run.outcome.empty() ? run.state : run.outcome;
}

std::string Troubles(const RunReply& run) {
  std::string text =
      fmt::format("{} {}", Grouped(run.retries), run.retries == 1 ? "retry" : "retries");
  if (run.throttled > 0) text += fmt::format(" · {} throttled", Grouped(run.throttled));
  text += fmt::format(" · {} failed", Grouped(run.wallets_failed));
  if (run.wallets_quarantined > 0) {
    text += fmt::format(" ({} quarantined)", Grouped(run.wallets_quarantined));
  }
  return text;
}

std::vector<std::string> StatusLines(const StatusReply& status, const std::string& address) {
  std::string head =
      fmt::format("{} · coordinator {} at {}, term {} · database {}",
                  Bold("Seine " + status.version), status.state, address, status.term,
                  status.database == "ok" ? Green("ok") : Red(status.database));
  // Without a wished number the workers are started by somebody else: containers, other hosts.
  std::string fleet = status.desired > 0 ? fmt::format("{} of {} live", status.live,
                                                       Plural(status.desired, "worker"))
                                         : Plural(status.live, "worker") + " live";
  for (std::size_t i = 0; i < status.stopped.size(); ++i) {
    fleet += (i == 0 ? ", stopped: " : " ") + status.stopped[i];
  }
  std::string wallets =
      fmt::format("{} wallets: {} completed, {} syncing, {} pending, {} failed · {} trades",
                  Grouped(status.wallets_total), Grouped(status.wallets_completed),
                  Grouped(status.wallets_syncing), Grouped(status.wallets_pending),
                  Grouped(status.wallets_failed), Grouped(status.trades));
  return {std::move(head), std::move(fleet), std::move(wallets)};
}

std::vector<std::string> RateLines(const StatusReply& status) {
  Table table({"endpoint", ">allowed/s", ">used/s", ">throttled"});
  for (const RateReply& rate : status.rates) {
    if (rate.used_per_second < 0.05 && rate.throttled == 0) continue;
    table.Add({rate.endpoint, rate.limit_per_second > 0 ? Rate(rate.limit_per_second) : "no limit",
               Rate(rate.used_per_second), Grouped(rate.throttled)});
  }
  return table.empty() ? std::vector<std::string>() : table.Lines();
}

std::vector<std::string> ScheduleLines(const StatusReply& status) {
  std::string text;
  for (const ScheduleReply& one : status.schedule) {
    text += text.empty() ? "by itself: " : " · ";
    text += one.name + " ";
    if (!one.is_enabled) {
      text += "off";
    } else if (one.next_at <= status.now) {
      text += "due";
    } else {
      text += fmt::format("in {} (every {})", Span(static_cast<double>(one.next_at - status.now)),
                          Span(static_cast<double>(one.every_s)));
    }
  }
  if (text.empty()) return {};
  return {std::move(text)};
}

std::vector<std::string> CounterLines(const StatusReply& status) {
  std::string text;
  for (const auto& [name, count] : status.counters) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : " · ", name, Grouped(count));
  }
  if (text.empty()) return {};
  return {Dim("counted: " + text)};
}

}  // namespace

std::string Obstacle(const StatusReply& status) {
  if (status.state == "paused") return "the fleet is paused (POST /api/admin/resume)";
  if (status.live > 0 || !status.is_fleet_known) return "";
  if (status.desired == 0) return "no worker is live; `seine scale N` starts some";
  if (status.stopped.empty()) return "no worker is live; `seine status` says more";
  return fmt::format("no worker is live; stopped: {} (`seine worker restart ID` brings one back)",
                     fmt::join(status.stopped, " "));
}

std::vector<std::string> StageLines(const RunReply& run, int bar) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < run.stages.size(); ++i) {
    const StageReply& stage = run.stages[i];
    const auto number = static_cast<std::int64_t>(i) + 1;
    const bool is_planned = run.state != "queued" && number <= run.stage;
    const auto finished = stage.done + stage.failed;
    const bool is_past = number < run.stage || run.state == "finished";
    double part = is_past ? 1 : 0;
    if (stage.total > 0) part = static_cast<double>(finished) / static_cast<double>(stage.total);
    std::string line = fmt::format("  {:<11}", stage.kind);
    if (bar > 0) line += " " + Bar(part, bar);
    line += is_planned ? fmt::format(" {:5.1f} %  {} of {}", 100 * part, Grouped(finished),
                                     Grouped(stage.total))
                       : std::string(" waits");
    if (stage.failed > 0) line += fmt::format(" · {} failed", Grouped(stage.failed));
    if (number == run.stage && !is_past && !Remaining(run).empty()) {
      line += " · " + Remaining(run);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> RunLines(const RunReply& run) {
  std::vector<std::string> lines{
      fmt::format("Run {} ({}, source {}): {}", run.run, run.kind, run.source, Outcome(run))};
  for (std::string& line : ProgressLines(run, TerminalWidth())) lines.push_back(std::move(line));
  lines.push_back(fmt::format("{} chunks: {} done, {} leased, {} pending",
                              Grouped(run.chunks_total), Grouped(run.chunks_done),
                              Grouped(run.chunks_leased), Grouped(run.chunks_pending)));
  return lines;
}

std::vector<std::string> ProgressLines(const RunReply& run, int width) {
  const std::string rates =
      fmt::format("{} trades · {} trades/s · {} requests/s · {}", Grouped(run.trades),
                  Rate(run.trades_per_s), Rate(run.requests_per_s), Troubles(run));
  if (!IsOfWalletsAlone(run)) {
    constexpr int kTextColumns = 50;
    std::vector<std::string> lines = StageLines(run, std::clamp(width - kTextColumns, 8, 40));
    lines.push_back(rates);
    return lines;
  }
  const auto finished = run.wallets_done + run.wallets_failed;
  std::string figures = fmt::format(" {:5.1f} %  {} of {} wallets", 100 * Fraction(run),
                                    Grouped(finished), Grouped(run.wallets_total));
  if (!Remaining(run).empty()) figures += " · " + Remaining(run);
  const int bar = std::clamp(width - static_cast<int>(Columns(figures)) - 2, 8, 50);
  return {Bar(Fraction(run), bar) + figures, rates};
}

namespace {

std::string StagesLine(const RunReply& run) {
  std::string text = fmt::format("run {} {} {}:", run.run, run.kind, run.state);
  for (std::size_t i = 0; i < run.stages.size(); ++i) {
    const StageReply& stage = run.stages[i];
    const bool is_planned = run.state != "queued" && static_cast<std::int64_t>(i) < run.stage;
    text += i == 0 ? " " : ", ";
    text += is_planned ? fmt::format("{} {}/{}", stage.kind, stage.done + stage.failed, stage.total)
                       : fmt::format("{} -", stage.kind);
  }
  return fmt::format("{}; {} trades, {} trades/s, {} requests/s, {} retries, {} failed", text,
                     run.trades, Rate(run.trades_per_s), Rate(run.requests_per_s), run.retries,
                     run.wallets_failed);
}

}  // namespace

std::string ProgressLine(const RunReply& run) {
  if (!IsOfWalletsAlone(run)) return StagesLine(run);
  const auto finished = run.wallets_done + run.wallets_failed;
  std::string text = fmt::format(
      "run {} {}: {}/{} wallets ({:.1f} %), {} trades, {} trades/s, {} requests/s, {} retries, {} "
      "failed",
      run.run, run.state, finished, run.wallets_total, 100 * Fraction(run), run.trades,
      Rate(run.trades_per_s), Rate(run.requests_per_s), run.retries, run.wallets_failed);
  if (run.wallets_quarantined > 0)
    text += fmt::format(" ({} quarantined)", run.wallets_quarantined);
  if (!Remaining(run).empty()) text += ", " + Remaining(run);
  return text;
}

std::vector<std::string> WorkerLines(const std::vector<WorkerReply>& workers) {
  Table table({"worker", "state", "host", ">pid", ">beat", ">memory", ">db", ">trades", ">requests",
               ">retries", "lease"});
  for (const WorkerReply& worker : workers) {
    std::vector<std::string> row{
        worker.id,
        worker.state == "live" ? Green(worker.state) : Yellow(worker.state),
        worker.host,
        std::to_string(worker.pid),
        worker.state == "gone"
            ? "-"
            : fmt::format("{:.1f} s", static_cast<double>(worker.last_beat_ms) / 1000),
        Bytes(worker.rss_bytes),
        fmt::format("{:.0f} ms", worker.database_latency_ms),
        Grouped(worker.trades),
        Grouped(worker.requests),
        Grouped(worker.retries)};
    if (worker.leases.empty()) row.emplace_back("-");
    for (const LeaseReply& lease : worker.leases) {
      if (row.empty()) row.assign(10, "");
      row.push_back(fmt::format("chunk {} of run {}: {}/{} wallets, {} in flight, {} rows, {}",
                                lease.chunk, lease.run, Grouped(lease.wallets_done),
                                Grouped(lease.wallets), lease.in_flight, Grouped(lease.rows),
                                Span(static_cast<double>(lease.age_ms) / 1000)));
      table.Add(std::move(row));
      row.clear();
    }
    if (!row.empty()) table.Add(std::move(row));
  }
  if (table.empty()) return {"No worker is connected."};
  return table.Lines();
}

std::vector<std::string> RunsLines(const std::vector<RunReply>& runs) {
  Table table({">run", "kind", "source", "state", "requested (UTC)", ">took", ">wallets", ">failed",
               ">trades", ">requests", ">retries"});
  for (const RunReply& run : runs) {
    const bool has_taken = run.started_at > 0 && run.finished_at >= run.started_at;
    table.Add({std::to_string(run.run), run.kind, run.source, Outcome(run), Utc(run.requested_at),
               has_taken ? Span(static_cast<double>(run.finished_at - run.started_at)) : "-",
               fmt::format("{}/{}", Grouped(run.wallets_done), Grouped(run.wallets_total)),
               Grouped(run.wallets_failed), Grouped(run.trades), Grouped(run.requests),
               Grouped(run.retries)});
  }
  if (table.empty()) return {"No run yet; start one with `seine sync`."};
  return table.Lines();
}

std::vector<std::string> ProgramLines(const std::vector<ProgramState>& programs) {
  std::vector<std::string> lines;
  for (const ProgramState& program : programs) {
    if (program.pid != 0 && program.restarts == 0) continue;
    std::string line = program.name + ": ";
    line += program.pid != 0 ? fmt::format("running, started again {} time{}", program.restarts,
                                           program.restarts == 1 ? "" : "s")
                             : Red("not running");
    if (!program.note.empty()) {
      line += fmt::format(" ({}{})", program.pid != 0 ? "last time it " : "", program.note);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> FreshnessLines(const FreshnessReply& freshness) {
  std::vector<std::string> lines;
  const auto add = [&](const char* what, std::int64_t second) {
    if (second == 0) return;
    const auto behind = static_cast<double>(std::max<std::int64_t>(0, freshness.now - second));
    lines.push_back(fmt::format("{} {} UTC, {} behind", what, Utc(second), Span(behind)));
  };
  add("Newest trade:", freshness.newest_trade);
  add("Blocks told to:", freshness.ranges_to);
  return lines;
}

Overview LookAround(const StateDir& state, const AdminClient& client) {
  Overview overview;
  const common::Result<std::string> body = client.Get("/api/status");
  if (!body) {
    overview.is_away = body.error().kind == common::ErrorKind::kTransient;
    overview.lines = {body.error().message};
    Append(overview.lines, ProgramLines(ReadProgramStates(state)));
    return overview;
  }
  const common::Result<StatusReply> status = ParseStatus(*body);
  if (!status) {
    overview.lines = {status.error().message};
    return overview;
  }
  overview.is_answered = true;
  Append(overview.lines, StatusLines(*status, client.address()));
  Append(overview.lines, FreshnessLines(status->freshness));
  if (status->run) Append(overview.lines, RunLines(*status->run));
  if (!status->queued.empty()) {
    overview.lines.push_back(Plural(static_cast<std::int64_t>(status->queued.size()), "more run") +
                             " queued");
  }
  Append(overview.lines, ScheduleLines(*status));
  if (const auto answer = client.Get("/api/workers")) {
    if (const auto workers = ParseWorkers(*answer)) Append(overview.lines, WorkerLines(*workers));
  }
  Append(overview.lines, RateLines(*status));
  Append(overview.lines, ProgramLines(ReadProgramStates(state)));
  Append(overview.lines, CounterLines(*status));
  return overview;
}

}  // namespace cli
