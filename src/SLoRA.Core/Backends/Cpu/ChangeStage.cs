namespace SLoRA.Backends.Cpu;

/// <summary>Which part of what generations do to a module besides adding B A.</summary>
internal enum ChangeStage
{
    /// <summary>All of it.</summary>
    All,

    /// <summary>Their own rows, in the place of the base's.</summary>
    Rows,

    /// <summary>Factor and offset of the sums.</summary>
    Sums,
}
