"use strict";
// `--version`, or `--standard-json` with the input on stdin: one, or a list of them, which is answered by a list, because
// starting the compiler takes longer than a small file. The package's own solcjs is not used because it prints
// a line of its own before the JSON and stops at files it was not given.
const fs = require("node:fs");
const path = require("node:path");

let solc;
try {
  solc = require("solc");
} catch {
  console.error("solc: the npm packages are not installed; run scripts/setup dev");
  process.exit(127);
}

const args = process.argv.slice(2);

function valueOf(flag) {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

if (args.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (args.includes("--standard-json")) {
  const base = fs.realpathSync(valueOf("--base-path") ?? process.cwd());

  // Imports are read from the base path and nowhere else.
  const readImport = (name) => {
    try {
      const file = fs.realpathSync(path.resolve(base, name));
      if (!file.startsWith(base + path.sep)) return { error: `${name} lies outside ${base}` };
      return { contents: fs.readFileSync(file, "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };

  const asked = JSON.parse(fs.readFileSync(0, "utf8"));
  const compile = (input) => solc.compile(JSON.stringify(input), { import: readImport });
  process.stdout.write(Array.isArray(asked) ? `[${asked.map(compile).join(",")}]` : compile(asked));
} else {
  console.error("solc: this one knows --version and --standard-json only");
  process.exit(2);
}
