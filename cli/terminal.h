// The terminal: is there one, how wide, and how to redraw on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

bool IsTerminal(int fd);
int TerminalWidth();   // 80 where it is not known
int TerminalHeight();  // 24 where it is not known

// Plain where stdout is no terminal, or NO_COLOR is set.
std::string Bold(std::string_view text);
std::string Dim(std::string_view text);
std::string Red(std::string_view text);
std::string Green(std::string_view text);
std::string Yellow(std::string_view text);

void Print(const std::vector<std::string>& lines);
void Print(const std::string& line);

// On stderr.
void SayLine(const std::string& line);
// "seine: ..." on stderr; returns the code.
int Complain(int code, const std::string& what);

// Redraws the whole screen without flicker, and gives the former screen back at its end.
class WholeScreen {
 public:
  WholeScreen();
  ~WholeScreen();
  WholeScreen(const WholeScreen&) = delete;
  WholeScreen& operator=(const WholeScreen&) = delete;
  void Show(const std::vector<std::string>& lines);
};

// Redraws its last lines in place, on stderr, under what was printed before.
class Footer {
 public:
  ~Footer() { Clear(); }
  void Show(const std::vector<std::string>& lines);
  void Clear();

 private:
  std::size_t shown_ = 0;
};

}  // namespace cli
