#include "cli/terminal.h"

#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/format.h"
#include "common/environment.h"

namespace cli {
namespace {

std::string Coloured(const char* code, std::string_view text) {
  const bool is_plain = !IsTerminal(STDOUT_FILENO) || !common::Variable("NO_COLOR").empty();
  if (is_plain || text.empty()) return std::string(text);
  return std::string(code) + std::string(text) + "\033[0m";
}

winsize Size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
  return size;
}

}  // namespace

bool IsTerminal(int fd) {
  return isatty(fd) == 1;
}

int TerminalWidth() {
  const int columns = Size().ws_col;
  return columns > 0 ? columns : 80;
}

int TerminalHeight() {
  const int rows = Size().ws_row;
  return rows > 0 ? rows : 24;
}

std::string Bold(std::string_view text) {
  return Coloured("\033[1m", text);
}
std::string Dim(std::string_view text) {
  return Coloured("\033[2m", text);
}
std::string Red(std::string_view text) {
  return Coloured("\033[31m", text);
}
std::string Green(std::string_view text) {
  return Coloured("\033[32m", text);
}
std::string Yellow(std::string_view text) {
  return Coloured("\033[33m", text);
}

void Print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::fprintf(stdout, "%s\n", line.c_str());
  std::fflush(stdout);
}

void Print(const std::string& line) {
  Print(std::vector<std::string>{line});
}

void SayLine(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

int Complain(int code, const std::string& what) {
  std::fprintf(stderr, "seine: %s\n", what.c_str());
  return code;
}

WholeScreen::WholeScreen() {
  std::fputs("\033[?1049h\033[?25l", stdout);
  std::fflush(stdout);
}

WholeScreen::~WholeScreen() {
  std::fputs("\033[?25h\033[?1049l", stdout);
  std::fflush(stdout);
}

void WholeScreen::Show(const std::vector<std::string>& lines) {
  const auto width = static_cast<std::size_t>(TerminalWidth());
  const auto height = static_cast<std::size_t>(TerminalHeight());
  std::string text = "\033[H";
  for (std::size_t i = 0; i < lines.size() && i < height; ++i) {
    text += (i > 0 ? "\r\n" : "") + Cut(lines[i], width) + "\033[K";
  }
  text += "\033[J";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Footer::Show(const std::vector<std::string>& lines) {
  const auto width = static_cast<std::size_t>(TerminalWidth());
  std::string text;
  if (shown_ > 1) text += "\033[" + std::to_string(shown_ - 1) + "A";
  text += "\r";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += (i > 0 ? "\r\n" : "") + Cut(lines[i], width) + "\033[K";
  }
  text += "\033[J";
  shown_ = lines.size();
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Footer::Clear() {
  if (shown_ == 0) return;
  std::string text;
  if (shown_ > 1) text += "\033[" + std::to_string(shown_ - 1) + "A";
  text += "\r\033[J";
  std::fwrite(text.data(), 1, text.size(), stderr);
  shown_ = 0;
}

}  // namespace cli
