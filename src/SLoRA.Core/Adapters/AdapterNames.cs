using System.Collections.Immutable;

namespace SLoRA.Adapters;

/// <summary>
/// Name → registration. Changes happen on the engine's thread, in the order in which they and the requests arrived: a request that was handed in
/// before a replacement runs on the old content, one handed in after it on the new.
/// </summary>
internal sealed class AdapterNames(HostStore store)
{
    private ImmutableDictionary<string, AdapterRegistration> _names = ImmutableDictionary.Create<string, AdapterRegistration>(StringComparer.Ordinal);

    /// <summary>All names as they stand now. Any thread.</summary>
    public ImmutableDictionary<string, AdapterRegistration> Current => Volatile.Read(ref _names);

    /// <summary>Gives a name to a registration.</summary>
    /// <param name="registration">The registration.</param>
    /// <param name="content">Its content, if it has been read already; taken over.</param>
    /// <param name="replace">Whether the name may be taken.</param>
    public void Register(AdapterRegistration registration, AdapterContent? content, bool replace)
    {
        if (Current.TryGetValue(registration.Name, out AdapterRegistration? old) && !replace)
        {
            content?.Dispose();
            throw new AdapterExistsException(registration.Name);
        }

        registration.IsNamed = true;
        registration.Counters = old?.Counters ?? registration.Counters;
        if (content is not null)
        {
            store.Attach(registration, content);
        }

        Volatile.Write(ref _names, Current.SetItem(registration.Name, registration));
        if (old is not null)
        {
            Abandon(old);
        }
    }

    /// <summary>Takes a name away. Requests that hold the registration go on.</summary>
    /// <returns>False when the name was not registered.</returns>
    public bool Unregister(string name)
    {
        if (!Current.TryGetValue(name, out AdapterRegistration? registration))
        {
            return false;
        }

        Volatile.Write(ref _names, Current.Remove(name));
        Abandon(registration);
        return true;
    }

    /// <summary>The registrations that a request names, with its weights, in its order.</summary>
    /// <exception cref="AdapterNotFoundException">A name is not registered.</exception>
    public ImmutableArray<Lease> Resolve(GenerationRequest request)
    {
        if (request.Adapter is { } single)
        {
            return [new Lease(Find(single), 1)];
        }

        var leases = ImmutableArray.CreateBuilder<Lease>(request.Adapters.Count);
        foreach (AdapterUse use in request.Adapters)
        {
            leases.Add(new Lease(Find(use.Name), use.Weight));
        }

        return leases.MoveToImmutable();
    }

    private AdapterRegistration Find(string name) =>
        Current.TryGetValue(name, out AdapterRegistration? registration) ? registration : throw new AdapterNotFoundException(name);

    private void Abandon(AdapterRegistration registration)
    {
        registration.IsNamed = false;
        store.Collect(registration);
    }
}
