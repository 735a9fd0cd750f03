namespace SLoRA;

/// <summary>How far an adapter is checked when it is registered.</summary>
public enum AdapterValidation
{
    /// <summary>
    /// Configuration and tensor headers: everything that names and shapes can tell. The content is read and checked at the first use.
    /// </summary>
    Headers,

    /// <summary>
    /// The content too: it is read, checked for NaN and infinity and, where it embeds matrices of the base, compared with them.
    /// </summary>
    Content,
}
