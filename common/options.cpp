#include "common/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/environment.h"

namespace common {
namespace {

constexpr int kUsageError = 2;

// CLI11, too, takes an empty variable for one that is not set.
bool IsSet(const std::string& variable) {
  return !Variable(variable).empty();
}

// Whether the program, or the typed subcommand in whose section it stands, has such an option.
// Subcommands may share what they set, so the sections of the others do not count.
bool IsKnown(const CLI::App& root, const CLI::ConfigItem& item) {
  if (item.name == "++" || item.name == "--") return true;  // a section's begin and end
  const CLI::App* app = &root;
  for (const std::string& name : item.parents) {
    const std::vector<CLI::App*> typed = app->get_subcommands();
    const auto found = std::find_if(typed.begin(), typed.end(),
                                    [&](const CLI::App* child) { return child->check_name(name); });
    if (found == typed.end()) return false;
    app = *found;
  }
  return app->get_option_no_throw("--" + item.name) != nullptr;
}

// The subcommands down to the one whose option this is, of those that were typed; none if it is
// the program's own or nobody's.
std::vector<std::string> TypedOwner(const CLI::App& root, const std::string& option) {
  std::vector<std::string> path;
  const CLI::App* app = &root;
  while (app->get_option_no_throw("--" + option) == nullptr) {
    const std::vector<CLI::App*> typed = app->get_subcommands();
    if (typed.empty()) return {};
    app = typed.front();
    path.push_back(app->get_name());
  }
  return path;
}

// Gives what stands above all sections to the subcommand that was typed, where it alone has such
// an option. What its section says goes before.
void HandDown(const CLI::App& root, std::vector<CLI::ConfigItem>& entries) {
  for (CLI::ConfigItem& item : entries) {
    if (!item.parents.empty()) continue;
    const std::vector<std::string> owner = TypedOwner(root, item.name);
    const bool is_said = std::any_of(entries.begin(), entries.end(), [&](const auto& other) {
      return other.name == item.name && other.parents == owner;
    });
    if (!is_said) item.parents = owner;
  }
}

// CLI11 asks the file before the environment; leaving out of the file what the environment says
// puts the two into our order. What others know is left out, too: CLI11 2.4.1 takes the values of
// options that it does not know for arguments.
class FileBelowEnvironment final : public CLI::ConfigTOML {
 public:
  explicit FileBelowEnvironment(const CLI::App& root) : root_(root) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> entries = CLI::ConfigTOML::from_config(input);
    for (CLI::ConfigItem& item : entries)
      std::replace(item.name.begin(), item.name.end(), '_', '-');
    HandDown(root_, entries);
    std::erase_if(entries, [this](const CLI::ConfigItem& item) {
      return IsSet(VariableFor(item.name)) || !IsKnown(root_, item);
    });
    return entries;
  }

 private:
  const CLI::App& root_;
};

void Prepare(CLI::App& app, const CLI::App& root) {
  for (CLI::Option* option : app.get_options()) {
    const bool is_question = option == app.get_help_ptr() || option == root.get_version_ptr() ||
                             option == root.get_config_ptr();
    if (is_question || option->get_lnames().empty()) continue;
    if (option->get_envname().empty()) option->envname(VariableFor(option->get_lnames().front()));
    if (option->get_default_str().empty()) option->capture_default_str();
    if (option->get_default_str() == "[]") option->default_str("");
  }
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; })) Prepare(*child, root);
}

void AddCommonOptions(CLI::App& app) {
  const std::string config = Variable("SEINE_CONFIG");
  const bool is_given = !config.empty();
  app.config_formatter(std::make_shared<FileBelowEnvironment>(app));
  app.allow_config_extras(CLI::config_extras_mode::ignore);
  app.set_config("--config", is_given ? config : "seine.toml",
                 "Options from a file, where neither flag nor variable says (Env:SEINE_CONFIG)",
                 is_given);
  app.set_version_flag("--version", std::string(SEINE_VERSION));
}

// Reads what variables say and CLI11 has not taken: from 2.4 on it passes over those that it does
// not accept. Throws as its parse does.
void CheckVariables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->count() > 0 || option->get_envname().empty()) continue;
    const std::string value = Variable(option->get_envname());
    if (value.empty()) continue;
    option->add_result(value);
    option->run_callback();
  }
  for (CLI::App* child : app.get_subcommands()) CheckVariables(*child);
}

// Programs that are started from here read the same file, also from another folder.
void HandOnConfig(const CLI::App& app) {
  const std::vector<std::string>& files = app.get_config_ptr()->results();
  if (files.empty()) return;
  const std::string path = std::filesystem::absolute(files.back()).string();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): options are read before there are threads.
  setenv("SEINE_CONFIG", path.c_str(), 1);
}

// Whether `flag` or `flag=...` is on the command line.
bool IsTyped(int argc, const char* const* argv, std::string_view flag) {
  return std::any_of(argv + 1, argv + argc, [flag](std::string_view argument) {
    return argument.substr(0, argument.find('=')) == flag;
  });
}

// Where the value that `message` ("--some-name: ...") complains about was written, if not typed.
std::string Origin(const CLI::App& app, std::string_view message, int argc,
                   const char* const* argv) {
  if (!message.starts_with("--")) return "";
  const std::string_view flag = message.substr(0, message.find_first_of(": "));
  if (IsTyped(argc, argv, flag)) return "";
  const std::string variable = VariableFor(flag.substr(2));
  if (IsSet(variable)) return " (from the variable " + variable + ")";
  if (app.get_config_ptr()->count() > 0) {
    return " (from " + app.get_config_ptr()->as<std::string>() + ")";
  }
  return "";
}

std::string OnOneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int Complain(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv) {
  const std::string what = OnOneLine(error.what());
  const std::string name = app.get_name().empty() ? std::string("seine") : app.get_name();
  std::fprintf(stderr, "%s: %s%s; see %s --help\n", name.c_str(), what.c_str(),
               Origin(app, what, argc, argv).c_str(), name.c_str());
  return kUsageError;
}

Error Expected(std::string_view text, std::string_view form) {
  return {ErrorKind::kRejected,
          "'" + std::string(text) + "' is not of the form " + std::string(form)};
}

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc{} && end == text.data() + text.size();
}

// "10s", "s", "1m" in seconds; 0 if it is none of these.
double ParsePeriod(std::string_view text) {
  if (text.empty()) return 0;
  const double unit_s = text.back() == 's' ? 1 : text.back() == 'm' ? 60 : 0;
  text.remove_suffix(1);
  double count = 1;
  if (!text.empty() && !ParseNumber(text, count)) return 0;
  return count * unit_s;
}

}  // namespace

std::string VariableFor(std::string_view option_name) {
  std::string variable = "SEINE_";
  for (const char c : option_name) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

std::optional<int> ParseOptions(CLI::App& app, int argc, const char* const* argv) {
  AddCommonOptions(app);
  Prepare(app, app);
  try {
    app.parse(argc, argv);
    CheckVariables(app);
    if (IsTyped(argc, argv, "--config") || IsSet("SEINE_CONFIG")) HandOnConfig(app);
  } catch (const CLI::Success& question) {
    return app.exit(question);
  } catch (const CLI::ParseError& error) {
    return Complain(app, error, argc, argv);
  }
  return std::nullopt;
}

Result<HostPort> ParseHostPort(std::string_view text) {
  const Error error = Expected(text, "HOST:PORT, as 127.0.0.1:8600");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error;
  HostPort result;
  if (!ParseNumber(text.substr(colon + 1), result.port)) return error;
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  // A bare IPv6 address would leave open where the port begins.
  if (host.empty() || (!is_bracketed && host.find_first_of(":[] /") != std::string_view::npos)) {
    return error;
  }
  result.host = host;
  return result;
}

Result<RateLimit> ParseRate(std::string_view text) {
  const Error error = Expected(text, "ENDPOINT=COUNT/PERIOD, as data_trades=190/10s");
  const std::size_t equals = text.find('=');
  const std::size_t slash = text.find('/');
  if (equals == 0 || slash == std::string_view::npos || slash < equals) return error;
  RateLimit result;
  result.name = text.substr(0, equals);
  result.seconds = ParsePeriod(text.substr(slash + 1));
  if (!ParseNumber(text.substr(equals + 1, slash - equals - 1), result.count)) return error;
  const bool is_sane =
      result.count >= 0 && result.count < 1e9 && result.seconds > 0 && result.seconds < 1e9;
  if (!is_sane) return error;
  return result;
}

Result<std::int64_t> ParseDuration(std::string_view text) {
  const Error error = Expected(text, "a time, as 90s, 30m, 6h or 1d");
  constexpr double kLongest_s = 1000.0 * 24 * 3600;
  if (text.size() < 2) return error;
  const char unit = text.back();
  const double unit_s = unit == 's'   ? 1
                        : unit == 'm' ? 60
                        : unit == 'h' ? 3600
                        : unit == 'd' ? 24.0 * 3600
                                      : 0;
  double count = 0;
  if (!ParseNumber(text.substr(0, text.size() - 1), count)) return error;
  const double seconds = count * unit_s;
  if (!(seconds >= 1) || seconds > kLongest_s) return error;
  return static_cast<std::int64_t>(seconds);
}

Result<ScheduleEntry> ParseSchedule(std::string_view text) {
  const Error error =
      Expected(text, "NAME=TIME or NAME=off, as refresh=30m, for refresh, discover or audit");
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return error;
  ScheduleEntry entry;
  entry.name = text.substr(0, equals);
  if (entry.name != "refresh" && entry.name != "discover" && entry.name != "audit") return error;
  if (text.substr(equals + 1) == "off") return entry;
  const auto every_s = ParseDuration(text.substr(equals + 1));
  if (!every_s) return error;
  entry.every_s = *every_s;
  return entry;
}

}  // namespace common
