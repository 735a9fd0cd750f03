using System.Collections.Immutable;
using SLoRA.Adapters.Packing;
using SLoRA.Step;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// Name → registration. Changes happen on the engine's thread, in the order in which they and the requests arrived: a request that was
/// handed in before a replacement runs on the old content, one handed in after it on the new. With an adapter source, a name that is not
/// registered stands for whatever the source will say; such names are forgotten again when there are too many.
/// </summary>
/// <param name="generations">The contents that they have.</param>
/// <param name="hasSource">Whether unknown names are looked up.</param>
/// <param name="mostFromSource">The most names kept that the source brought.</param>
/// <param name="clock">Measures when they were used.</param>
/// <param name="maxAddedTokens">The most tokens that an adapter may have beyond those of the model.</param>
internal sealed class AdapterNames(
    Generations generations, bool hasSource, int mostFromSource, TimeProvider clock, int maxAddedTokens = 0)
{
    private ImmutableDictionary<string, AdapterRegistration> _names =
        ImmutableDictionary.Create<string, AdapterRegistration>(StringComparer.Ordinal);
    private int _fromSource;

    /// <summary>All names as they stand now, with those that the source has still to be asked for. Any thread.</summary>
    public ImmutableDictionary<string, AdapterRegistration> Current => Volatile.Read(ref _names);

    /// <summary>Whether a name is registered, by the program or by the source. Any thread.</summary>
    public bool Contains(string name) =>
        Current.TryGetValue(name, out AdapterRegistration? registration) && registration.Picture.Headers is not null;

    /// <summary>Gives a name to a registration.</summary>
    /// <param name="registration">The registration.</param>
    /// <param name="image">Its content, if it has been read already; taken over.</param>
    /// <param name="replace">Whether the name may be taken.</param>
    public void Register(AdapterRegistration registration, PageImage? image, bool replace)
    {
        if (Current.TryGetValue(registration.Name, out AdapterRegistration? old) && !replace && old.Headers is not null)
        {
            image?.Dispose();
            throw new AdapterExistsException(registration.Name);
        }

        registration.TakeName();
        _fromSource += registration.IsFromSource ? 1 : 0;
        if (image is not null)
        {
            generations.Attach(registration, image);
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
        if (!Contains(name))
        {
            return false;
        }

        Forget(Current[name]);
        return true;
    }

    /// <summary>Takes the name of a registration away, if it stands for it still.</summary>
    public void Forget(AdapterRegistration registration)
    {
        if (registration.IsNamed)
        {
            Volatile.Write(ref _names, Current.Remove(registration.Name));
            Abandon(registration);
        }
    }

    /// <summary>
    /// Tokens beyond those of the model that a request may have, as far as that is known: as many as any adapter may have, where its
    /// adapter is not known yet. Any thread.
    /// </summary>
    public int AddedTokensOf(GenerationRequest request)
    {
        string? name = request.Adapter ?? (request.Adapters is [var only] ? only.Name : null);
        AdapterRegistration? registration = name is null ? null : Current.GetValueOrDefault(name);
        return registration?.Picture.Headers is { } headers ? headers.Shape.AddedTokens
            : name is not null && hasSource ? maxAddedTokens
            : 0;
    }

    /// <summary>Refuses a request that names what can be known to be unknown, or not to go together. Any thread.</summary>
    /// <exception cref="AdapterNotFoundException">A name is not registered, and there is no source to ask.</exception>
    /// <exception cref="InvalidRequestException">Its adapters do not go together, or not with these weights.</exception>
    public void Check(GenerationRequest request)
    {
        for (int place = 0; place < request.Adapters.Count; place++)
        {
            AdapterUse use = request.Adapters[place];
            AdapterMixing? mixing = Current.GetValueOrDefault(use.Name)?.Picture.Headers?.Shape.Mixing;
            if (MixingRule.RefusalOf(use.Name, mixing, use.Weight, place, request.Adapters.Count) is { } error)
            {
                throw error;
            }
        }

        if (hasSource)
        {
            return;
        }

        if (request.Adapter is { } single && !Contains(single))
        {
            throw new AdapterNotFoundException(single);
        }

        foreach (AdapterUse use in request.Adapters)
        {
            if (!Contains(use.Name))
            {
                throw new AdapterNotFoundException(use.Name);
            }
        }
    }

    /// <summary>The registrations that a request names, with its weights, in its order.</summary>
    /// <exception cref="AdapterNotFoundException">A name is not registered, and there is no source to ask.</exception>
    public ImmutableArray<BoundAdapter> Resolve(GenerationRequest request)
    {
        if (request.Adapter is { } single)
        {
            return [new BoundAdapter(Find(single), 1)];
        }

        var bound = ImmutableArray.CreateBuilder<BoundAdapter>(request.Adapters.Count);
        foreach (AdapterUse use in request.Adapters)
        {
            bound.Add(new BoundAdapter(Find(use.Name), use.Weight));
        }

        return bound.MoveToImmutable();
    }

    /// <summary>The registration that a name stands for, or will stand for when the source has been asked.</summary>
    /// <exception cref="AdapterNotFoundException">It is not registered, and there is no source to ask.</exception>
    public AdapterRegistration Find(string name)
    {
        if (Current.TryGetValue(name, out AdapterRegistration? registration))
        {
            return registration;
        }

        if (!hasSource || name.Length > AdapterUse.MaxNameLength)
        {
            throw new AdapterNotFoundException(name);
        }

        if (_fromSource >= mostFromSource)
        {
            ForgetOldest();
        }

        registration = new AdapterRegistration(name, null, isFromSource: true, clock.GetTimestamp());
        registration.TakeName();
        _fromSource++;
        Volatile.Write(ref _names, Current.Add(name, registration));
        return registration;
    }

    /// <summary>Forgets a sixteenth of the names that the source brought, at least one, so that looking for the oldest is rare.</summary>
    private void ForgetOldest()
    {
        IEnumerable<AdapterRegistration> oldest = Current.Values
            .Where(registration => registration is { IsFromSource: true, Leases: 0, Loading: null, IsPinned: false })
            .OrderBy(registration => registration.LastUsed)
            .Take(1 + (mostFromSource / 16));
        foreach (AdapterRegistration registration in oldest.ToArray())
        {
            Forget(registration);
        }
    }

    private void Abandon(AdapterRegistration registration)
    {
        _fromSource -= registration.IsFromSource ? 1 : 0;
        registration.LoseName();
        generations.Collect(registration);
    }
}
