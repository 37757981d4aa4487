// So that whoever asked us to stop is not kept waiting for ten seconds.
const DRAIN_MS = 8_000;

/**
 * Stops and ends the process on SIGINT and SIGTERM, also while it is still starting, and when the program that has started
 * it over a channel is gone. Exit code 0, or 1 where it could not be done within `patienceMs` (8 s by default). The
 * terminal and npm may both send a signal: that counts once.
 */
export function endOnRequest(starting: Promise<() => Promise<void>>, patienceMs = DRAIN_MS): void {
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    setTimeout(() => {
      process.stderr.write('Not everything could be finished in time; stopping all the same.\n');
      process.exit(1);
    }, patienceMs);
    try {
      const stop = await starting;
      await stop();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`Stopping failed: ${(error as Error).message}\n`);
      process.exit(1);
    }
  };
  for (const request of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(request, () => void end());
}
