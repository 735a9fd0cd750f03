namespace SLoRA.Formats.Peft;

/// <summary>Which biases of the base model an adapter has its own in the place of.</summary>
internal enum PeftBias
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those of every module that has one.</summary>
    All,

    /// <summary>Those of the modules that have LoRA.</summary>
    LoraOnly,
}
