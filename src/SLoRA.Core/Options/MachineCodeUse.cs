namespace SLoRA;

/// <summary>Whether the Cpu backend uses machine code of the library's own, for instructions that .NET does not expose.</summary>
public enum MachineCodeUse
{
    /// <summary>Where the processor has the instructions and the system allows memory to become executable.</summary>
    Automatic,

    /// <summary>Never: everything is computed by code that .NET has compiled.</summary>
    Off,
}
