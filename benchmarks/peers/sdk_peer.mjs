// The workloads on the TypeScript SDK of the same name, through its API in one process: its users drive it through
// its command line, where each step would cost two starts of node on top, so this is the kinder way.
//
// Durability as the package has it: each file (event, task, input, result, state) is written under a temporary name,
// synced, renamed, and its folder synced. A step writes several such files. Each iteration replays the process from
// the start and reads the whole journal again, so a step costs more the longer the run is: --seconds ends a workload
// early, and the steps done until then count, which flatters it.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import sdk from "@a5c-ai/babysitter-sdk";

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: "string" },
    count: { type: "string" },
    runs: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
  },
});
const workload = positionals[0];
const count = Number(given.count);
const runs = Number(given.runs);
const runsDir = path.join(path.resolve(given.dir), ".a5c", "runs");
fs.mkdirSync(runsDir, { recursive: true });
const importPath = path.join(import.meta.dirname, "sdk_process.mjs");
const exportName = workload === "fan-out" ? "fanOut" : "sequential";

const started = performance.now();
const isLate = () => (performance.now() - started) / 1000 > Number(given.seconds);
let steps = 0;

async function drive() {
  const { runDir } = await sdk.createRun({
    runsDir,
    process: { processId: "benchmark", importPath, exportName },
    inputs: { count },
  });
  while (!isLate()) {
    const state = await sdk.orchestrateIteration({ runDir });
    if (state.status !== "waiting") return state;
    for (const action of state.nextActions) {
      await sdk.commitEffectResult({
        runDir,
        effectId: action.effectId,
        invocationKey: action.invocationKey,
        result: { status: "ok", value: action.taskDef.metadata.number + 1 },
      });
      steps += 1;
      if (isLate()) return null;
    }
  }
  return null;
}

const expected = workload === "fan-out" ? (count * (count + 1)) / 2 : count;
for (let run = 0; run < runs && !isLate(); run += 1) {
  const state = await drive();
  if (state !== null && state.output !== expected) {
    console.error(`${workload}: ${JSON.stringify(state)} came out instead of ${expected}`);
    process.exit(1);
  }
}
const seconds = (performance.now() - started) / 1000;
const { version } = createRequire(import.meta.url)("@a5c-ai/babysitter-sdk/package.json");
console.log(JSON.stringify({
  peer: "TypeScript SDK", version, steps, seconds, perS: steps / seconds,
  durability: "files: each written, synced, renamed, its folder synced; several a step",
}));
