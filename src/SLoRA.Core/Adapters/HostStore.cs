namespace SLoRA.Adapters;

/// <summary>
/// The generations in main memory, by content: registrations with equal content share one. Content is read in the background and attached on
/// the engine's thread, to which everything else here belongs.
/// </summary>
internal sealed class HostStore(DeviceCache cache, Func<AdapterRegistration, AdapterContent> read, Action<AdapterRegistration, AdapterContent?, Exception?> loaded)
{
    private readonly Dictionary<GenerationId, Generation> _generations = [];
    private long _ordinal;

    /// <summary>Told when a generation is gone for good.</summary>
    public Action<GenerationId>? Dropped { get; set; }

    /// <summary>Generations held.</summary>
    public int Count => _generations.Count;

    /// <summary>Starts reading the content of a registration that has none, unless that is under way. The outcome comes through the inbox.</summary>
    public void BeginLoad(AdapterRegistration registration)
    {
        if (registration is { Generation: null, IsLoading: false })
        {
            registration.IsLoading = true;
            _ = Task.Run(() => Read(registration));
        }
    }

    /// <summary>Gives a registration its generation: the one with this content, if there is one, else a new one. Takes the content over.</summary>
    public void Attach(AdapterRegistration registration, AdapterContent content)
    {
        registration.IsLoading = false;
        if (registration.Generation is not null || registration.IsAbandoned)
        {
            content.Dispose();
            return;
        }

        if (_generations.TryGetValue(content.Id, out Generation? generation))
        {
            content.Dispose();
        }
        else
        {
            generation = new Generation(content, registration.Directory, ++_ordinal);
            _generations.Add(content.Id, generation);
        }

        generation.Registrations++;
        registration.Generation = generation;
    }

    /// <summary>Drops what a registration holds, if neither a name nor a request needs it any more; the last registration drops the generation.</summary>
    public void Collect(AdapterRegistration registration)
    {
        if (!registration.IsAbandoned || registration.Generation is not { } generation)
        {
            return;
        }

        registration.Generation = null;
        if (--generation.Registrations > 0)
        {
            return;
        }

        if (generation.Resident is not null)
        {
            cache.Evict(generation);
        }

        _generations.Remove(generation.Id);
        Dropped?.Invoke(generation.Id);
        generation.Content.Dispose();
    }

    /// <summary>Frees all content. Nothing may run any more.</summary>
    public void Clear()
    {
        foreach (Generation generation in _generations.Values)
        {
            generation.Content.Dispose();
        }

        _generations.Clear();
    }

    private void Read(AdapterRegistration registration)
    {
        try
        {
            loaded(registration, read(registration), null);
        }
        catch (Exception error)
        {
            loaded(registration, null, error);
        }
    }
}
