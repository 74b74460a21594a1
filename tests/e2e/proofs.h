// What must be so of every installation at every instant, whatever has run and died before.
#pragma once

#include "tests/e2e/fleet.h"

namespace e2e {

// Every row that the world tells of a wallet up to its complete_to is stored once, and nothing else
// is stored up to there. Returns how many wallets are called complete to any time.
int ExpectHonest(Fleet& fleet);

// Each second of a wallet belongs to one source, and each source's rows are one period.
void ExpectOneOwner(Fleet& fleet);

// From now on the database notes each statement that changes trades or cursors and is committed,
// also one that changes nothing: in whose lease's name, and whether that lease was good then.
void NoteWhoStores(Fleet& fleet);
int NotedStores(Fleet& fleet, const std::string& where);  // of `who` and `is_good`

// Counters of wallets say what is stored.
void ExpectCounted(Fleet& fleet);

}  // namespace e2e
