namespace SLoRA.Models.Blocks;

/// <summary>In which order the dimensions of a parameter of all experts stand, and what PEFT knows of it.</summary>
internal enum ExpertOrder
{
    /// <summary><c>[E, out, in]</c>.</summary>
    OutputsFirst,

    /// <summary><c>[E, in, out]</c>, which PEFT takes for <c>[E, out, in]</c>.</summary>
    InputsFirst,

    /// <summary><c>[E, in, out]</c>, and marked so for PEFT.</summary>
    MarkedInputsFirst,
}
