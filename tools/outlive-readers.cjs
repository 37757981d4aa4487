/** Lets a command go on to its end, and to its exit code, when whoever reads what it says has seen enough (`| head`). */
function outliveReaders() {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

module.exports = { outliveReaders };
