namespace SLoRA.Adapters.Intake;

/// <summary>How large the files of one adapter may be. Tenants supply them, so nothing is read before it is measured.</summary>
internal sealed record AdapterLimits
{
    /// <summary>The limits that hold if none are given.</summary>
    public static readonly AdapterLimits Default = new();

    /// <summary>Bytes of adapter_config.json. One that lists every module of a large model has some hundred thousand.</summary>
    public int ConfigBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of the header of adapter_model.safetensors. A thousand modules take some three hundred thousand.</summary>
    public int HeaderBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of adapter_model.safetensors.</summary>
    public long FileBytes { get; init; } = 16L << 30;
}
