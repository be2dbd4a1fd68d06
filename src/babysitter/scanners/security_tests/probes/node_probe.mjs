// Runs a workspace's JavaScript tests and says which passed, and which functions each run executed.
//
// The plan comes on one descriptor, what was found goes out on another, as JSON. It runs inside the sandbox and
// knows nothing of Babysitter. A run: one file of tests, and the names of those to run (null: all).

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ENTRIES = { jest: 'node_modules/jest/bin/jest.js', vitest: 'node_modules/vitest/vitest.mjs' };

const plan = JSON.parse(fs.readFileSync(Number(process.env.BABYSITTER_INPUT_FD), 'utf8'));
// By where a file really is, which is how V8 calls it; to the path that the plan has.
const wanted = new Map(plan.wanted.map((file) => [fs.realpathSync(file), file]));
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function start(args, env) {
  const done = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env, CI: '1', NO_COLOR: '1' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = `${done.stdout ?? ''}\n${done.stderr ?? ''}`.slice(-4000);
  return { said, stdout: done.stdout ?? '', status: done.status };
}

// ---- node:test: V8's own coverage, by function

function byNode(run) {
  const folder = plan.measure ? fs.mkdtempSync(path.join(os.tmpdir(), 'v8-')) : undefined;
  const args = [`--test-reporter=${path.join(HERE, 'node_reporter.mjs')}`, '--test-reporter-destination=stdout'];
  // Some versions hold a pattern against a test's own name, others against the names around it as well.
  if (run.names) args.push(`--test-name-pattern=/(^|\\s)(${run.names.map((names) => escaped(names.at(-1))).join('|')})$/`);
  const { said, stdout, status } = start([...args, run.file], folder ? { NODE_V8_COVERAGE: folder } : {});
  const tests = [];
  for (const line of stdout.split('\n')) {
    try {
      const told = JSON.parse(line);
      if (Array.isArray(told.names)) tests.push(told);
    } catch {
      // What the tests themselves write.
    }
  }
  // A file that does not load, or is torn down, has no test that failed: it has tests that nobody saw.
  const failed = status !== 0 && !tests.some((test) => test.outcome === 'failed');
  return { tests, said, functions: folder && !failed ? v8Functions(folder) : {}, failed };
}

function v8Functions(folder) {
  const found = {};
  for (const name of fs.readdirSync(folder)) {
    for (const script of JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).result) {
      if (!script.url.startsWith('file:')) continue;
      let file = fileURLToPath(script.url);
      if (!fs.existsSync(file)) continue;
      file = wanted.get(fs.realpathSync(file));
      if (file === undefined) continue;
      const starts = lineStarts(fs.readFileSync(file, 'utf8'));
      for (const [number, each] of script.functions.entries()) {
        const { startOffset, endOffset, count } = each.ranges[0];
        if (number === 0 && each.functionName === '') continue;
        const line = lineOf(starts, startOffset);
        keep(found, file, each.functionName, line, lineOf(starts, endOffset - 1), count);
      }
      found[file] ??= [];
    }
  }
  return found;
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts, offset) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

function keep(found, file, name, line, end, count) {
  const known = (found[file] ??= []);
  const same = known.find((each) => each.name === name && each.line === line && each.end === end);
  if (same) same.count += count;
  else known.push({ name, line, end, count });
}

// ---- jest and vitest: their reports, which have one form

function byJest(run) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'js-'));
  const told = path.join(folder, 'told.json');
  const entry = path.resolve(ENTRIES[plan.runner]);
  const pattern = run.names ? [`^(${run.names.map((names) => escaped(names.join(' '))).join('|')})$`] : [];
  const relative = [...wanted.values()];
  const args =
    plan.runner === 'jest'
      ? [
          entry, '--json', `--outputFile=${told}`, '--runInBand', '--no-cache', '--runTestsByPath', run.file,
          ...pattern.flatMap((each) => ['--testNamePattern', each]),
          ...(plan.measure ? ['--coverage', '--coverageReporters=json', `--coverageDirectory=${folder}`] : []),
          ...(plan.measure ? relative.map((file) => `--collectCoverageFrom=${file}`) : []),
        ]
      : [
          entry, 'run', '--reporter=json', `--outputFile=${told}`, run.file,
          ...pattern.flatMap((each) => ['--testNamePattern', each]),
          ...(plan.measure
            ? ['--coverage.enabled=true', '--coverage.reporter=json', `--coverage.reportsDirectory=${folder}/c`]
            : []),
          ...(plan.measure ? relative.map((file) => `--coverage.include=${file}`) : []),
        ];
  const { said } = start(args, {});
  if (!fs.existsSync(told)) return { tests: [], said, functions: {}, failed: true };
  const files = JSON.parse(fs.readFileSync(told, 'utf8')).testResults;
  const failed = files.some(
    (file) => file.status === 'failed' && !file.assertionResults.some((each) => each.status === 'failed'),
  );
  const tests = files.flatMap((file) =>
    file.assertionResults.map((each) => ({
      names: [...each.ancestorTitles.filter(Boolean), each.title],
      outcome: each.status === 'passed' || each.status === 'failed' ? each.status : 'skipped',
      isSuite: false,
    })),
  );
  return { tests, said, functions: plan.measure ? istanbulFunctions(folder) : {}, failed };
}

function istanbulFunctions(folder) {
  const found = {};
  for (const place of [path.join(folder, 'coverage-final.json'), path.join(folder, 'c', 'coverage-final.json')]) {
    if (!fs.existsSync(place)) continue;
    for (const told of Object.values(JSON.parse(fs.readFileSync(place, 'utf8')))) {
      const file = wanted.get(fs.realpathSync(told.path));
      if (file === undefined) continue;
      found[file] ??= [];
      for (const [id, { name, decl, loc }] of Object.entries(told.fnMap)) {
        keep(found, file, name, Math.min(decl.start.line, loc.start.line), loc.end.line, told.f[id]);
      }
    }
  }
  return found;
}

const runs = plan.runs.map((run) => ({ ...(plan.runner === 'node' ? byNode(run) : byJest(run)), file: run.file }));
fs.writeSync(Number(process.env.BABYSITTER_RESULT_FD), JSON.stringify({ runs, version: process.version }));
