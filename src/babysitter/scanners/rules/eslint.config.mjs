// The rules that Babysitter has ESLint ask: those of two plugins, all of them, and nothing of the workspace's own.
//
// SCANNER_ESLINT names the folder in which ESLint is installed; the plugins stand beside it.
import { createRequire } from "node:module";

const beside = createRequire(`${process.env.SCANNER_ESLINT}/`);
const security = beside("eslint-plugin-security");
const unsanitized = beside("eslint-plugin-no-unsanitized");

export default [
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs", "**/*.jsx"],
    languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } },
    linterOptions: { reportUnusedDisableDirectives: "off" },
    plugins: { security, "no-unsanitized": unsanitized },
    rules: {
      ...Object.fromEntries(Object.keys(security.rules).map((rule) => [`security/${rule}`, "warn"])),
      ...Object.fromEntries(Object.keys(unsanitized.rules).map((rule) => [`no-unsanitized/${rule}`, "error"])),
    },
  },
];
