using NUnit.Framework;

namespace SLoRA.Core.Tests.Architecture;

/// <summary>The order of rooms in docs/architecture.md, held against the compiled assembly.</summary>
internal sealed class ArrowTests
{
    [Test]
    public void Every_folder_has_its_place_in_the_order_and_every_place_its_folder()
    {
        IReadOnlyList<string> order = Rooms.Order();

        Assert.That(order, Is.Unique);
        Assert.That(order, Is.EquivalentTo(Rooms.Folders));
    }

    [Test]
    public void No_room_uses_one_above_it()
    {
        List<string> order = [.. Rooms.Order()];
        List<string> upward = [];
        foreach ((Type user, Type used) in TypeUses.Of(typeof(LoraServingEngine).Assembly))
        {
            if (Room(user) is { } from && Room(used) is { } to && order.IndexOf(from) > order.IndexOf(to))
            {
                upward.Add($"{from} uses {to}: {user.Name} → {used.Name}");
            }
        }

        Assert.That(upward.Order(StringComparer.Ordinal), Is.Empty);
    }

    [Test]
    public void Devices_do_not_know_each_other()
    {
        IEnumerable<string> uses = TypeUses.Of(typeof(LoraServingEngine).Assembly)
            .Where(pair => Device(pair.User) is { } user && Device(pair.Used) is { } used && user != used)
            .Select(pair => $"{pair.User.Name} → {pair.Used.Name}");

        Assert.That(uses, Is.Empty);

        // What several of a kind share is no device.
        static string? Device(Type type) =>
            Room(type) is { } room && room.Split('/') is ["Backends", not "Sharded" and string device, ..] ? device : null;
    }

    [Test]
    public void Uses_are_found_in_signatures_fields_bodies_lambdas_and_handlers()
    {
        IReadOnlySet<(Type, Type)> uses = TypeUses.Of(typeof(ArrowTests).Assembly);

        Assert.That(uses, Has.Member((typeof(Users.InBase), typeof(Used.ByBase))));
        Assert.That(uses, Has.Member((typeof(Users.InField), typeof(Used.ByField))));
        Assert.That(uses, Has.Member((typeof(Users.InBody), typeof(Used.ByBody))));
        Assert.That(uses, Has.Member((typeof(Users.InLambda), typeof(Used.ByLambda))));
        Assert.That(uses, Has.Member((typeof(Users.InHandler), typeof(Used.ByHandler))));
        Assert.That(uses, Has.Member((typeof(Users.InArgument), typeof(Used.ByArgument))));
    }

    /// <summary>The room of a type of the library; null for what the compiler adds of its own.</summary>
    private static string? Room(Type type)
    {
        if (type.Name.StartsWith('<') || type.Namespace?.StartsWith("SLoRA", StringComparison.Ordinal) != true)
        {
            return null;
        }

        string name = type.Name.Split('`')[0];
        return Rooms.ByType.TryGetValue(name, out string? room)
            ? room
            : throw new InvalidOperationException($"No file of the library declares {name}.");
    }
}
