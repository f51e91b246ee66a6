// Reads a list of Argo CD's objects from standard input and writes, for each, what its schema finds wrong, or "".
import * as models from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1";

let text = "";
for await (const part of process.stdin) text += part;

const found = JSON.parse(text).map((object) => {
  try {
    new models[object.kind](object).validate();
    return "";
  } catch (error) {
    return String(error.message);
  }
});
process.stdout.write(JSON.stringify(found));
