namespace SLoRA;

/// <summary>What was wrong with a model or an adapter that could not be loaded.</summary>
public enum LoadErrorKind
{
    /// <summary>A file is missing, or its bytes are not what its format says.</summary>
    File,

    /// <summary>The JSON configuration is unreadable, incomplete or holds an impossible value.</summary>
    Config,

    /// <summary>The tensors are not the set, shapes, types or values that the configuration promises.</summary>
    Tensor,

    /// <summary>Everything is well-formed, but asks for something that is not served here.</summary>
    Incompatible,
}
