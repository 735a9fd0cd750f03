namespace SLoRA.Backends.Cpu.Images;

/// <summary>An image that cannot be used. It never leaves this room: the weights are packed instead.</summary>
/// <param name="problem">Why.</param>
/// <param name="details">The rest of a sentence that begins with the image.</param>
internal sealed class ImageError(PackedImageProblem problem, string details) : Exception(details)
{
    /// <summary>Why.</summary>
    public PackedImageProblem Problem { get; } = problem;
}
