namespace SLoRA;

/// <summary>
/// Whether the Cpu backend keeps what it makes of the base model's weights in a file, so that the next start maps it instead of packing
/// them again, and how that start knows the model's files again.
/// </summary>
public enum PackedImageUse
{
    /// <summary>Weights are packed at every start.</summary>
    Off,

    /// <summary>
    /// The model's files are known again by their names, lengths and times of writing, by their headers and configuration, and by 256
    /// samples of 4 KiB of each. It takes milliseconds. Bytes that were changed between the samples, with the time of writing put back,
    /// are not noticed.
    /// </summary>
    Sampled,

    /// <summary>
    /// They are known again by their names and by all of their bytes: every start reads the model's files once, and times of writing do
    /// not count.
    /// </summary>
    Complete,
}
