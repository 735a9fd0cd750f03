namespace SLoRA;

/// <summary>In which type adapters' weights lie in the pages of the pool.</summary>
public enum AdapterWeightType
{
    /// <summary>
    /// As stored, except that F32 becomes the base model's type where that has 16 bits (rounded to nearest even; an adapter whose values
    /// are too large for the type is refused). The default.
    /// </summary>
    BaseType,

    /// <summary>As stored in the adapter's file.</summary>
    AsStored,
}
