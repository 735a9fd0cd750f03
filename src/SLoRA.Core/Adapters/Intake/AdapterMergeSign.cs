namespace SLoRA;

/// <summary>Which sign an element has for most adapters. A sum of zero counts as plus.</summary>
public enum AdapterMergeSign
{
    /// <summary>The sign of the sum of its values.</summary>
    Total,

    /// <summary>The sign of the sum of its signs.</summary>
    Frequency,
}
