namespace SLoRA;

/// <summary>Why an image of packed weights is not used.</summary>
public enum PackedImageProblem
{
    /// <summary>It is used.</summary>
    None,

    /// <summary>There is none: it is the first start.</summary>
    Missing,

    /// <summary>The system does not give it: access is denied, or the disk fails.</summary>
    Unreadable,

    /// <summary>The file of its name is something else.</summary>
    Foreign,

    /// <summary>Another version of the library wrote it.</summary>
    OtherVersion,

    /// <summary>It is of another model, or of weights that are kept otherwise.</summary>
    OtherModel,

    /// <summary>It is shorter or longer than it says.</summary>
    Truncated,

    /// <summary>A checksum differs, or what it says of itself makes no sense.</summary>
    Damaged,

    /// <summary>It does not have the weights, in their order, that the model asks for.</summary>
    OtherWeights,
}
