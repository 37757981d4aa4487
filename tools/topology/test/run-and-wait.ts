import { startTopology } from '../start-topology';

// Starts a shop for a test that kills this process: says who serves, and waits.
const [topology, folder] = process.argv.slice(2) as [string, string];

void startTopology({ topology, folder, port: 0, environment: process.env }).then(({ url, apps, gateway, started }) => {
  const pids = [...apps, gateway].map(({ pid }) => pid);
  process.send?.({ url, pids: [...pids, started.provider?.pid()] });
});
