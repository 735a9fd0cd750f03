namespace SLoRA.Backends;

/// <summary>A depthwise causal convolution: every channel by itself looks back at a few inputs.</summary>
/// <param name="Weight"><c>[K, C]</c>: the weights of the oldest input of all channels first.</param>
/// <param name="Bias"><c>[C]</c>, or null.</param>
/// <param name="Channels">C.</param>
/// <param name="Kernel">K: inputs that an output sees, its own included.</param>
internal sealed record ShortConvolution(DeviceVector Weight, DeviceVector? Bias, int Channels, int Kernel);
