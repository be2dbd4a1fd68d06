// A reporter for node:test that writes one JSON object a line for each test that ended.

export default async function* report(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const isSuite = data.details?.type === 'suite';
      const skipped = data.skip !== undefined || data.todo !== undefined;
      const outcome = type === 'test:fail' ? 'failed' : skipped ? 'skipped' : 'passed';
      const names = [...path.slice(0, data.nesting), data.name];
      // Running a file makes a test of the file itself in some versions; it is none of the author's.
      if (!isSuite || outcome === 'failed') yield `${JSON.stringify({ names, outcome, isSuite })}\n`;
    }
  }
}
