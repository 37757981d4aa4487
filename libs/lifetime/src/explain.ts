/** Why an app did not start: one line that names the cause and the cure, where we know them; else the stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port } = error as { code?: unknown; port?: unknown };
  if (code === 'EADDRINUSE')
    return `Port ${String(port)} is taken. Stop what listens there, or choose another, such as PORT=3001.`;
  return typeof code === 'string' || error.name === 'SettingsError' ? error.message : (error.stack ?? error.message);
}
