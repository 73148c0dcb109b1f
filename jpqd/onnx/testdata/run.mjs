// Runs models by ONNX Runtime: node run.mjs FOLDER, where FOLDER/node_modules
// has onnxruntime-node. Each line of the input is
//
//	{"model": PATH, "optimized": PATH, "shape": [BATCH, SEQUENCE], "inputs": {NAME: [INTEGER, …], …}}
//
// and each of the output {NAME: [FLOAT, …], …}, the model's outputs. To
// optimized, which may be absent, goes the model as the runtime executes it.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const ort = createRequire(`${process.argv[2]}/`)('onnxruntime-node');

const options = {
	intraOpNumThreads: 1,
	// Sums of pairs of products in 16 bits would saturate on a CPU without VNNI.
	extra: {session: {x64quantprecision: '1', qdq_matmulnbits_accuracy_level: '1'}},
	logSeverityLevel: 3, // errors
};
let path, session;
for await (const line of createInterface({input: process.stdin})) {
	const {model, optimized, shape, inputs} = JSON.parse(line);
	if (model !== path) {
		await session?.release();
		session = await ort.InferenceSession.create(model, optimized ? {...options, optimizedModelFilePath: optimized} : options);
		path = model;
	}
	const feeds = {};
	for (const name of session.inputNames) {
		feeds[name] = new ort.Tensor('int64', BigInt64Array.from(inputs[name], BigInt), shape);
	}
	const outputs = {};
	for (const [name, tensor] of Object.entries(await session.run(feeds))) {
		outputs[name] = Array.from(tensor.data);
	}
	console.log(JSON.stringify(outputs));
}
