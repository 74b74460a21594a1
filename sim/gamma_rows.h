// How Gamma writes a market, an event and a tag.
#pragma once

#include <string>

#include "sim/world.h"

namespace sim {

struct MarketForm {
  bool with_events = true;
  bool with_tags = false;
};

// Lists travel as strings that hold a JSON array. A recorded market is told verbatim.
void AppendGammaMarket(std::string& out, const World& world, const Market& market,
                       const MarketForm& form);

// The fields of an event without its braces, as they stand in a market and in a list of events.
void AppendGammaEventFields(std::string& out, const World& world, const Event& event);

void AppendGammaTag(std::string& out, const Tag& tag);
// The tags of an event as a JSON array. Its markets have the same, from the last to the first.
void AppendGammaTags(std::string& out, const World& world, const Event& event);
void AppendGammaTags(std::string& out, const World& world, const Market& market);

// When the last market of a closed event closed; 0 for an open one.
common::UnixSeconds ClosedAt(const World& world, const Event& event);
std::int64_t VolumeOf(const World& world, const Event& event);

// "" (absent), "proposed", "disputed" or "resolved".
const char* UmaStatus(const Market& market);

}  // namespace sim
