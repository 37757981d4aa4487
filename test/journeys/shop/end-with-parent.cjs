// Loaded into a shop before its own program: however the tests end that have started it, it ends with them.
process.once('disconnect', () => process.exit(1));
process.channel.unref();
