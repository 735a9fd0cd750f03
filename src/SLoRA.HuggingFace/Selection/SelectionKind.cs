namespace SLoRA.HuggingFace.Selection;

/// <summary>What a selection starts from.</summary>
internal enum SelectionKind
{
    /// <summary>A model, or an adapter where there is no model's configuration.</summary>
    Served,

    /// <summary>An adapter.</summary>
    Adapter,

    /// <summary>Patterns alone.</summary>
    Patterns,
}
