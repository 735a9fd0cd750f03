namespace SLoRA;

/// <summary>How the weights of the base model are reached in its files.</summary>
public enum ModelAccess
{
    /// <summary>
    /// The files are mapped for as long as the engine lives. Processes that serve the same model share the memory of what is read in place
    /// (the embedding on the processor); but whoever cuts a file short meanwhile ends the process, so nobody else may be able to write
    /// them.
    /// </summary>
    Map,

    /// <summary>
    /// The files are read, weight by weight, and closed when the engine has been built: it holds no file, and nothing that happens to the
    /// files changes it. Only an adapter that carries copies of base weights is compared with them later; it is refused when they have
    /// changed meanwhile.
    /// </summary>
    Read,
}
