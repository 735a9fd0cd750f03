namespace SLoRA.AspNetCore.Json;

/// <summary>The body of <c>/v1/load_lora_adapter</c>.</summary>
internal sealed class LoadAdapterBody
{
    public string? LoraName { get; set; }

    public string? LoraPath { get; set; }

    /// <summary>Whether an adapter of this name is replaced; without it such a name is refused.</summary>
    public bool? LoadInplace { get; set; }
}

/// <summary>The body of <c>/v1/unload_lora_adapter</c>.</summary>
internal sealed class UnloadAdapterBody
{
    public string? LoraName { get; set; }
}

/// <summary>What has become of an adapter.</summary>
internal sealed record AdapterChange(string Status, string LoraName, string? Generation);
