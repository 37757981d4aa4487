// Loaded into a child before its own program: however the process ends that has started it, it ends with that one.
process.once('disconnect', () => process.exit(1));
process.channel.unref();
