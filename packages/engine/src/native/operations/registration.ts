/** C++: names, inputs, outputs and attributes of the operations, told to TensorFlow when the library is loaded. */
export const registration = String.raw`
// Shapes are found out by running.
void unknownShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

typedef std::vector<const char*> Names;

void define(const char* name, const Names& inputs, const Names& outputs, const Names& attributes,
            void* (*create)(TF_OpKernelConstruction*), void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, unknownShape);
  TF_RegisterOpDefinition(builder, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy), status);
  if (TF_GetCode(status) != 0) std::fprintf(stderr, "%s: %s\n", name, TF_Message(status));
  TF_DeleteStatus(status);
}

void* createNothing(TF_OpKernelConstruction*) { return nullptr; }
void deleteNothing(void*) {}

__attribute__((constructor)) void defineAll() {
  const Names norm = {"groups: int", "epsilon: float"};
  define("MissingUGroupNorm", {"x: float", "scale: float", "shift: float"}, {"y: float"}, norm, createNorm, computeNorm,
         deleteNorm);
  define("MissingUGroupNormGrad", {"x: float", "scale: float", "dy: float"},
         {"dx: float", "dscale: float", "dshift: float"}, norm, createNorm, computeNormGrad, deleteNorm);
  define("MissingUBias", {"x: float", "bias: float"}, {"y: float"}, {"relu: bool"}, createBias, computeBias, deleteBias);
  define("MissingUReluBiasGrad", {"dy: float", "y: float"}, {"dz: float", "dbias: float"}, {}, createNothing,
         computeReluBiasGrad, deleteNothing);
  define("MissingUChannelSums", {"x: float"}, {"sums: float"}, {}, createNothing, computeChannelSums, deleteNothing);
  define("MissingUVelocityAcceleration",
         {"branch: float", "bias: float", "residual: float", "shift: float", "state: float"}, {"y: float"}, {"relu: bool"},
         createBias, computeVelocityAcceleration, deleteBias);
  define("MissingULinearCombination", {"terms: N * float"}, {"y: float"}, {"N: int >= 1", "weights: list(float)"},
         createCombination, computeCombination, deleteCombination);
  define("MissingUVectorNorm", {"x: float"}, {"norm: float"}, {}, createNothing, computeVectorNorm, deleteNothing);
  // All results are one list: new parameters, moments and averages.
  define("MissingUAdam",
         {"parameters: N * float", "gradient: float", "first: float", "second: float", "averages: K * float", "scale: float",
          "coefficients: float", "decays: float"},
         {"output: outputs * float"}, {"N: int >= 1", "K: int >= 0", "outputs: int", "betas: list(float)", "epsilon: float"},
         createAdam, computeAdam, deleteAdam);
#ifdef MISSING_U_CONVOLUTION
  if (canConvolve())
    define("MissingUConvolution", {"x: float", "filter: float"}, {"y: float"}, {}, createNothing, computeConvolution,
           deleteNothing);
#endif
}

}  // namespace
`;
