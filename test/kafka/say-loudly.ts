/** Nobody should believe that everything was tested. */
export function sayLoudly(why: string): void {
  const rule = '='.repeat(100);
  process.stderr.write(
    `\n${rule}\nNO KAFKA: ${why}\nThe tests that need one are SKIPPED. With REQUIRE_KAFKA=1 this is an error.\n${rule}\n\n`,
  );
}
