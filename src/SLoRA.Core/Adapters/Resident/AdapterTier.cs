namespace SLoRA;

/// <summary>Where the content of an adapter is.</summary>
public enum AdapterTier
{
    /// <summary>Where it was registered from: it is read when it is needed.</summary>
    Registered,

    /// <summary>In main memory.</summary>
    Host,

    /// <summary>In the page pool.</summary>
    Device,
}
