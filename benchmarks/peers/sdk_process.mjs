// The process of each workload for the TypeScript SDK. The step itself is performed by sdk_peer.mjs, as a harness
// performs it: the SDK asks for effects and is told their results.
import sdk from "@a5c-ai/babysitter-sdk";

const addOne = sdk.defineTask("add-one", (given) => ({
  kind: "node",
  title: "add one",
  metadata: { number: given.number },
}));

export async function sequential(inputs, ctx) {
  let number = 0;
  for (let step = 0; step < inputs.count; step += 1) {
    number = await ctx.task(addOne, { number });
  }
  return number;
}

export async function fanOut(inputs, ctx) {
  const numbers = Array.from({ length: inputs.count }, (_, number) => number);
  const results = await ctx.parallel.map(numbers, (number) => ctx.task(addOne, { number }));
  return results.reduce((sum, result) => sum + result, 0);
}
