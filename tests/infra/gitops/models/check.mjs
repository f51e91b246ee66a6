// Reads a list of Argo CD objects from standard input and writes each one's schema error, or "".
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
