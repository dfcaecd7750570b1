// Reads a Concerto model and instances of it with the Accord Project's own packages.
// Arguments: the model's file, and a JSON file with a list of instances. Prints, as JSON, a list with null or the
// refusal of each; after the instance is read it must say again what it said before.
const fs = require("fs");
const { Factory, ModelManager, Serializer } = require("@accordproject/concerto-core");
const { deepStrictEqual } = require("assert");

const [model, instances] = process.argv.slice(2);
const manager = new ModelManager();
manager.addCTOModel(fs.readFileSync(model, "utf8"), "terms.cto");
manager.validateModelFiles();
const serializer = new Serializer(new Factory(manager), manager);
const told = JSON.parse(fs.readFileSync(instances, "utf8")).map((instance) => {
  try {
    deepStrictEqual(serializer.toJSON(serializer.fromJSON(instance)), instance);
    return null;
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(told));
