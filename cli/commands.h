// Every command of `seine`, one function each; the exit codes are those of options.h.
#pragma once

#include <string>

#include "cli/options.h"

namespace cli {

int Up(const Options& options);
int Down(const Options& options);
int Scale(const Options& options);
int RestartWorker(const Options& options);
int KillWorker(const Options& options);
int DrainWorker(const Options& options);
int SuperviseFleet(const Options& options);
int GuardSupervisor(const Options& options);

int Sync(const Options& options);
int Retry(const Options& options);
// The run that options.action names.
int RunUniverse(const Options& options);

int ShowStatus(const Options& options);
int ShowWorkers(const Options& options);
int ShowRuns(const Options& options);
int ShowWallet(const Options& options);
int Audit(const Options& options);

int Doctor(const Options& options);
int StartDatabase(const Options& options);
int StopDatabase(const Options& options);
int MigrateDatabase(const Options& options);
int OpenPsql(const Options& options);
int InitKeys(const Options& options);
int AddWorkerKey(const Options& options);
int RevokeWorkerKey(const Options& options);
int ShowCheckpoint(const Options& options);

}  // namespace cli
