"""Prints, as JSON, what Python's onnx says of files: `onnx.checker` with its full check, shape inference (strict), and the operators.

Arguments: paths of ONNX files. Exits with an error at the first file that is refused.
"""

import json
import sys

import onnx

report = {}
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
    graph = inferred.graph
    known = {value.name for value in [*graph.value_info, *graph.output]}
    report[path] = {
        "opset": inferred.opset_import[0].version,
        "inputs": [value.name for value in graph.input],
        "unknown": [name for node in graph.node for name in node.output if name not in known],
        "nodes": [[node.op_type, list(node.input), list(node.output)] for node in graph.node],
        "metadata": {entry.key: entry.value for entry in inferred.metadata_props},
    }
print(json.dumps(report))
